"""The whole suite in one process for a newcomer: joined services, demo data, log-ins, and a walk through a sale."""
