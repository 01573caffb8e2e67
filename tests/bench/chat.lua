-- For wrk: one chat request again and again. Arguments: the tenant, the file with the body.
-- At the end one line: requests N seconds N errors N p50_us N p99_us N

function init(args)
    local file = io.open(args[2], "rb")
    wrk.method = "POST"
    wrk.body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["X-Tenant-Id"] = args[1]
end

function done(summary, latency)
    local e = summary.errors
    print(("requests %d seconds %.6f errors %d p50_us %d p99_us %d"):format(summary.requests,
        summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
