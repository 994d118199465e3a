"""All effects: files, processes, clusters and Pulumi stand here and nowhere below."""
