"""Invoices and credit notes as people and machines read them: a page, and a PDF/A-3 with Factur-X inside.

`paper` is the content, `page` its HTML, `electronic` its EN 16931 XML, `press` the process that prints, `printer` how
to ask it. What imports WeasyPrint or factur-x is `electronic` and `press` alone: neither belongs in a service process.
"""
