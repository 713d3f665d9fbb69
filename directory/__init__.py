"""Who exists, who may do what, and how names resolve. Synchronous."""
