"""Helpers of the data model that carry no promise to users."""
