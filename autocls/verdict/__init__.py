"""What a study may honestly claim: pure functions over frames."""
