"""The configuration file: JSON in, validated models out."""
