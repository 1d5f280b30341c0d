"""Files that hold many images each: archives, tables and shards, as sources that are read at random."""
