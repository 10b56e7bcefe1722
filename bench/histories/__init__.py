"""Random histories of whole orders, with failures in any order, and the counts that must come out as nothing.

`make histories`, or `python -m bench.histories [COUNT] [--seed N]`: payments, shipments, refusals, refunds, gestures,
coupons, cancellations, returns, invoices and chargebacks of thousands of orders, through the commands of the joined
services. Providers lose answers, transactions roll back, reactions raise, events come twice, processes forget what they
held in memory. Then nothing may have left twice (I1, I3), a refund in full is exact per tax code (I2), no unit is in
stock twice (I11), and invoices and credit notes have no gap (I12).
"""
