-- One project's bucket. By this server's clock no `period` permits more than `count` requests, and two permits are
-- at least `spacing` apart. All times are microseconds.
--
-- KEYS[1] bucket: a hash of `next` (earliest next permit), `throttled` (nothing before it), `asked` (for how long, when that was asked for),
--         `seen` (this server's clock lately), `epoch`
-- KEYS[2] permits: a list of the last `count` permits, oldest first
-- ARGV: operation, count, period, spacing, then the operation's own
--   take PATIENCE        -> {1, wait, epoch, crowded} a permit that starts in `wait`, crowded where at least half of the quota was
--                           used lately; {0, wait, throttled} none within PATIENCE, and none at all for `throttled`; {-1} state lost
--   slots HORIZON        -> {1, n, wait, throttled} so many permits could start within HORIZON, the first in `wait`; {-1}
--   confirm EPOCH        -> {1} the state that gave the permit is still there, and nobody was throttled since; {0} void
--   throttle MICROSECONDS-> {1} nobody is permitted anything for so long
--   shorten MICROSECONDS -> {1} a throttle lasts no longer than that
--   seed EPOCH HELD AGE… -> {1} refilled from the ages of the last requests, oldest first; {0} somebody else has done it
local operation, count, period, spacing = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local keep = math.ceil((period * 2 + 60000000) / 1000)

local function number(value) return tonumber(value or 0) or 0 end

local function remember()
    redis.call('PEXPIRE', KEYS[1], keep + math.ceil(math.max(0, number(redis.call('HGET', KEYS[1], 'throttled')) - now) / 1000))
    redis.call('PEXPIRE', KEYS[2], keep)
end

-- No permit is given further ahead than this, nor is a throttle longer than was asked for: what lies beyond was noted by this server before its
-- clock was set back, or by one whose clock was ahead. It is brought nearer by as much.
local ahead = 2000000

local function bring_nearer()
    local state = redis.call('HMGET', KEYS[1], 'next', 'throttled', 'asked', 'seen')
    local next, throttled, seen = number(state[1]), number(state[2]), number(state[4])
    local latest = number(redis.call('LINDEX', KEYS[2], -1))
    local by = math.max(latest - now - ahead, next - spacing - now - ahead, 0)
    if seen > now + 1000000 then by = math.max(by, seen - now) end
    local longest = state[3] and now + number(state[3]) or throttled
    if by > 0 then
        next, throttled = next - by, throttled - by
        local times = redis.call('LRANGE', KEYS[2], 0, -1)
        redis.call('DEL', KEYS[2])
        for i = 1, #times do redis.call('RPUSH', KEYS[2], string.format('%.0f', number(times[i]) - by)) end
    end
    if by > 0 or throttled > longest then
        redis.call('HSET', KEYS[1], 'next', string.format('%.0f', next), 'throttled', string.format('%.0f', math.min(throttled, longest)))
        remember()
    end
    if by > 0 or now > seen + 500000 then redis.call('HSET', KEYS[1], 'seen', string.format('%.0f', now)) end
end

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch then bring_nearer() end

if operation == 'confirm' then
    -- A permit for the very end of a throttle may be confirmed a moment early, as clocks differ.
    local free = number(redis.call('HGET', KEYS[1], 'throttled')) <= now + 5000
    return {epoch == ARGV[5] and free and 1 or 0}
end

if operation == 'seed' then
    if epoch then return {0} end
    local throttled = now + number(ARGV[6])
    redis.call('HSET', KEYS[1], 'epoch', ARGV[5], 'throttled', string.format('%.0f', throttled), 'asked', ARGV[6],
        'next', string.format('%.0f', now), 'seen', string.format('%.0f', now))
    redis.call('DEL', KEYS[2])
    for i = 7, #ARGV do
        redis.call('RPUSH', KEYS[2], string.format('%.0f', now - number(ARGV[i])))
    end
    redis.call('LTRIM', KEYS[2], -count, -1)
    remember()
    return {1}
end

if not epoch then return {-1} end

if operation == 'throttle' then
    local throttled = math.max(number(redis.call('HGET', KEYS[1], 'throttled')), now + number(ARGV[5]))
    redis.call('HSET', KEYS[1], 'throttled', string.format('%.0f', throttled), 'asked', string.format('%.0f', throttled - now))
    remember()
    return {1}
end

if operation == 'shorten' then
    local throttled = math.min(number(redis.call('HGET', KEYS[1], 'throttled')), now + number(ARGV[5]))
    redis.call('HSET', KEYS[1], 'throttled', string.format('%.0f', throttled))
    return {1}
end

local state = redis.call('HMGET', KEYS[1], 'next', 'throttled')
local throttled = math.max(0, number(state[2]) - now)
local start = math.max(now, number(state[1]), number(state[2]))
local permitted = redis.call('LLEN', KEYS[2])
if permitted >= count then
    start = math.max(start, number(redis.call('LINDEX', KEYS[2], permitted - count)) + period)
end

if operation == 'slots' then
    local room = number(ARGV[5]) - (start - now)
    if room < 0 then return {1, 0, start - now, throttled} end
    local n = math.floor(room / spacing) + 1
    if permitted >= count then
        local limit = 0
        local times = redis.call('LRANGE', KEYS[2], permitted - count, permitted - count + math.min(n, 64) - 1)
        for i = 1, #times do
            if number(times[i]) + period <= now + number(ARGV[5]) then limit = limit + 1 end
        end
        n = math.min(n, math.max(limit, 1))
    end
    return {1, n, start - now, throttled}
end

if start - now > number(ARGV[5]) then return {0, start - now, throttled} end
local crowded = 0
local half = math.ceil(count / 2)
if permitted >= half and number(redis.call('LINDEX', KEYS[2], permitted - half)) > now - period then crowded = 1 end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', start + spacing))
redis.call('RPUSH', KEYS[2], string.format('%.0f', start))
redis.call('LTRIM', KEYS[2], -count, -1)
remember()
return {1, start - now, epoch, crowded}
