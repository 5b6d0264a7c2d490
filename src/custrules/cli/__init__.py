"""What the verbs of the command line share: words, columns, files of events, and one pass over them."""
