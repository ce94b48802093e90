// Preloaded (`node --import`) into every process of a chaos run: its `Date` runs faster than time does, so that leases of 60 s
// expire while one watches, and is as wrong as that machine's clock is said to be. Timers keep to the real time.
const {base, rate, offsetMs} = JSON.parse(process.env['CHAOS_CLOCK'] ?? '{"base": 0, "rate": 1, "offsetMs": 0}')
const RealDate = Date

class FastDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(FastDate.now())
    else super(...args)
  }

  static now() {
    return Math.floor(base + (RealDate.now() - base) * rate + offsetMs)
  }
}

globalThis.Date = FastDate
