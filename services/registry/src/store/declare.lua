-- KEYS: what is declared of each agent. ARGV: agent, availability. Returns: what was declared before.
local previous = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == 'available' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return previous or 'available'
