import {lookup as dnsLookup} from 'node:dns'
import type {LookupFunction} from 'node:net'
import {isLinkLocal} from './endpoint.js'

/**
 * Resolves names for the store's sockets. A name that leads to a link-local address is refused here, where no rebinding can
 * come after the check; names below `localhost` are this machine, which not every resolver knows.
 */
export const storeLookup: LookupFunction = (hostname, options, callback) => {
  if (hostname.toLowerCase().endsWith('.localhost')) {
    if (options.all === true) callback(null, [{address: '127.0.0.1', family: 4}])
    else callback(null, '127.0.0.1', 4)
    return
  }
  dnsLookup(hostname, {...options, all: true}, (error, addresses) => {
    const first = addresses?.[0]
    if (error !== null || first === undefined) callback(error, '', 0)
    else if (addresses.some(({address}) => isLinkLocal(address))) callback(linkLocal(hostname), '', 0)
    else if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

function linkLocal(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} resolves to a link-local address`), {code: 'ELINKLOCAL'})
}
