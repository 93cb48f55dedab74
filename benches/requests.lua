-- Requests of wrk: each one a line of the file that REQUESTS names, "METHOD PATH BODY", chosen by chance.
local lines = {}
local threads = {}

function setup(thread)
    thread:set("number", #threads)
    table.insert(threads, thread)
end

function init()
    math.randomseed(number + 1)
    for line in io.lines(os.getenv("REQUESTS")) do
        local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
        local headers = { Authorization = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json" }
        table.insert(lines, wrk.format(method, path, headers, body ~= "" and body or nil))
    end
    refused, wrong, unsaid = 0, 0, 0
end

function request()
    return lines[math.random(#lines)]
end

function response(status, headers)
    if status == 503 then
        refused = refused + 1
        if not headers["retry-after"] and not headers["Retry-After"] then unsaid = unsaid + 1 end
    elseif status > 299 then
        wrong = wrong + 1
    end
end

-- Answers a second, milliseconds, and how many were no answers, were told to come back, and were not told when.
function done(summary, latency)
    local refused, wrong, unsaid = 0, 0, 0
    for _, thread in ipairs(threads) do
        refused = refused + thread:get("refused")
        wrong = wrong + thread:get("wrong")
        unsaid = unsaid + thread:get("unsaid")
    end
    local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
    local good = summary.requests - refused - wrong
    print(string.format("MEASURED %.2f %.2f %.2f %.2f %d %d %d", good / (summary.duration / 1e6),
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, wrong + lost, refused, unsaid))
end
