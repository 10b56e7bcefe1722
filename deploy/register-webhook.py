"""Tell the provider simulator where to send its webhooks, as a merchant does once on the provider's pages."""

import json
import os
import urllib.request


def call(method: str, body: dict | None = None) -> None:
    """One call of the simulator's switchboard; an answer other than 2xx raises."""
    request = urllib.request.Request(os.environ["SIMULATOR_URL"] + "/_control/webhooks", method=method)
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request, json.dumps(body).encode() if body else None, timeout=10).close()


call("DELETE")  # run again, it must not deliver everything twice
call("POST", {"provider": "stripe", "url": os.environ["WEBHOOK_URL"], "secret": os.environ["STRIPE_WEBHOOK_SECRET"]})
gateway = os.environ["WEBHOOK_URL"].rpartition("/hooks/")[0]
call("POST", {"provider": "paypal", "url": f"{gateway}/hooks/paypal", "id": os.environ["PAYPAL_WEBHOOK_ID"],
              "events": ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED",
                         "CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED"]})  # fmt: skip
call("POST", {"provider": "stripe", "url": f"{gateway}/hooks/payments/stripe",
              "secret": os.environ["STRIPE_WEBHOOK_SECRET"],
              "events": ["checkout.session.completed", "checkout.session.expired"]})  # fmt: skip
call("POST", {"provider": "paypal", "url": f"{gateway}/hooks/payments/paypal", "events": ["CHECKOUT.ORDER.APPROVED"]})
print("webhooks go to", os.environ["WEBHOOK_URL"])
