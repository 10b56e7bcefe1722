"""What after-sales asks of orders: replacements at price 0, withdrawals, and who a customer is."""
