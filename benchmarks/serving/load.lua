-- wrk sends one request over and over; what it measured comes out as one line of JSON, times in microseconds.
-- Arguments: the file with the body, then names and values of headers.

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  for at = 2, #arguments, 2 do
    wrk.headers[arguments[at]] = arguments[at + 1]
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'measured {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "status": %d, "timeout": %d, "connection": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.timeout, errors.connect + errors.read + errors.write
  ))
end
