"""The other servers, as small as their own documents have them."""
