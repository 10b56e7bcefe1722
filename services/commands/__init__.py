"""Operator commands of `aftersale`, one file each."""
