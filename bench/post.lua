-- For wrk: a POST with a small body.
wrk.method = "POST"
wrk.body = "{}"
