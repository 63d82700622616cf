-- Take or keep the pool's lease. KEYS: lease, epoch counter. ARGV: owner (instance and boot), instance, ttl ms, highest epoch known to the asker.
-- Reply: {1 when held else 0, epoch, instance that holds it}. Each new owner gets a higher epoch, even after Redis has lost its data.
-- A new process of the same instance takes over at once: its forerunner is dead, and fenced in any case.
local l = redis.call('HMGET', KEYS[1], 'owner', 'instance', 'epoch')
if l[1] == ARGV[1] then
	redis.call('PEXPIRE', KEYS[1], ARGV[3])
	return {1, tonumber(l[3]), l[2]}
end
if l[1] and l[2] ~= ARGV[2] then
	return {0, tonumber(l[3]), l[2]}
end
local e = redis.call('INCR', KEYS[2])
if e <= tonumber(ARGV[4]) then
	e = tonumber(ARGV[4]) + 1
	redis.call('SET', KEYS[2], string.format('%d', e))
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'instance', ARGV[2], 'epoch', string.format('%d', e))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {1, e, ARGV[2]}
