"""Documents: from text to data with places, from data to policies. The only room that opens YAML."""
