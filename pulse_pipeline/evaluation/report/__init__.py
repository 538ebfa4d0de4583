"""The report: one HTML page that opens anywhere, and the charts it is made of."""
