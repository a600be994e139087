-- KEYS: the slots of the agent. ARGV: holder, heir (empty = none), TTL of the heir in ms. Returns: released, load.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local released = redis.call('ZREM', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then
  if released == 1 then
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[2])
    local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
    redis.call('PEXPIREAT', KEYS[1], last[2])
  elseif redis.call('ZSCORE', KEYS[1], ARGV[2]) then
    released = 1
  end
end
return {released, redis.call('ZCARD', KEYS[1])}
