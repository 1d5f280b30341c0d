"""Measurements side by side with other libraries. Each script prints a table and writes JSON; see RESULTS.md."""
