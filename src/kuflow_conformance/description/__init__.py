"""What the API is said to be: OpenAPI description, errata, requirements; and whether a change breaks clients.

It knows no server.
"""
