// Preloaded: a machine whose clock is wrong by SHIFT_MS.
const RealDate = Date
const now = () => RealDate.now() + Number(process.env.SHIFT_MS)
globalThis.Date = class extends RealDate {
  constructor(...values) {
    if (values.length === 0) super(now())
    else super(...values)
  }
  static now() {
    return now()
  }
}
