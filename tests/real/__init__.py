"""The real form of the tests: the same tests, on six processes, RabbitMQ and PostgreSQL (`pytest --on real`).

A test gets a suite whose calls go over HTTP to each service's process as the gateway sends them, a gateway that is one
too, and databases as empty as the joined form's. Time stands still until a test moves it, as there.
"""
