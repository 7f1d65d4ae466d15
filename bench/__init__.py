"""`make bench`: what cct costs, beside a reference measured in the same run. Tests never look at time; this does."""
