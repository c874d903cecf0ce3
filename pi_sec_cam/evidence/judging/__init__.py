"""What verification goes by: records read and joined to chains, files held against them, one job a module."""
