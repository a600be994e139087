-- KEYS: what is declared of each agent, then the slots of each agent. Returns: the declarations, the loads.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local loads = {}
for index = 2, #KEYS do
  loads[index - 1] = redis.call('ZCOUNT', KEYS[index], '(' .. string.format('%.0f', now), '+inf')
end
return {redis.call('HGETALL', KEYS[1]), loads}
