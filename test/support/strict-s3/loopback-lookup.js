/** For an `http.Agent`: every name is this machine. `bucket.localhost` resolves by itself on some systems only. */
export const loopbackLookup = (_hostname, options, callback) => {
  if (options.all) callback(null, [{address: '127.0.0.1', family: 4}])
  else callback(null, '127.0.0.1', 4)
}
