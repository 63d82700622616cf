-- Write one agent if the pool is still ours and nobody else has changed him.
-- KEYS: agent, lease, set of agents, reservation to set, reservation to delete.
-- ARGV: epoch, expected version (-1: whatever), new version, agent id, life of the reservation in ms (0: none), its value, delete (0 or 1),
-- then field, value ...
-- Reply: {1, new version} written; {0, version} somebody else's version; {-1, epoch} not our pool (epoch 0: nobody's).
local epoch = redis.call('HGET', KEYS[2], 'epoch')
if epoch ~= ARGV[1] then
	return {-1, tonumber(epoch or 0)}
end
local ver = redis.call('HGET', KEYS[1], 'ver')
if ver and ARGV[2] ~= '-1' and ver ~= ARGV[2] then
	return {0, tonumber(ver)}
end
redis.call('HSET', KEYS[1], 'ver', ARGV[3], unpack(ARGV, 8))
if not ver then
	redis.call('SADD', KEYS[3], ARGV[4])
end
if ARGV[7] == '1' then
	redis.call('DEL', KEYS[5])
end
if ARGV[5] ~= '0' then
	redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[5])
end
return {1, tonumber(ARGV[3])}
