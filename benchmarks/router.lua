-- wrk's script: args are the file with organizations and, to look at each answer, "check". The last
-- line of the output is JSON.
local threads = {}
function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  names, last, wrong = {}, 0, 0
  for line in io.lines(args[1]) do
    last = last + 1
    names[last] = line
  end
  before, after = wrk.format("GET", "/o/@/notes"):match("^(.*)@(.*)$")
  at = math.floor(last * (os.time() % 97) / 97 + number * last / 2) % last
  if args[2] ~= "check" then response = nil end
end

function request()
  at = at % last + 1
  return before .. names[at] .. after
end

function response(status, headers, body)
  if status == 200 and headers["x-asked"] ~= headers["x-got"] then wrong = wrong + 1 end
end

function done(summary)
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("wrong") end
  local errors = summary.errors
  print(string.format(
    '{"requests": %d, "seconds": %f, "failed": %d, "wrong": %d}',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, all))
end
