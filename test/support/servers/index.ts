export type {IndependentServer, Unavailable} from './independent-server.js'
export {startMoto} from './moto.js'
export {startRclone} from './rclone.js'
export {startVersitygw} from './versitygw.js'
