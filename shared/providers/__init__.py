"""Stripe and PayPal as every service that speaks to them needs them: clients, clear refusals, signatures, amounts.

The SDKs are imported when a client is first needed, and never where a service only starts. What an answer means is each
service's own to say, in its adapters.
"""
