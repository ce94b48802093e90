import {type Asked, type Check, unchecked} from './check.js'

/** `suspended` buckets keep the versions that they have. */
export type Versioning = 'on' | 'suspended' | 'off'

export function checkVersioning(versioning: Asked<Versioning>): Check {
  const check = 'versioning'
  if (!versioning.known) return unchecked(check, versioning.why)
  switch (versioning.value) {
    case 'on':
      return {
        check,
        state: 'ok',
        detail:
          'on: what is deleted can be brought back. What compaction, rm and prune delete stays as noncurrent versions, which a lifecycle rule has to end',
      }
    case 'suspended':
      return {
        check,
        state: 'ok',
        detail:
          'suspended: what is deleted now is gone; older noncurrent versions stay until a lifecycle rule ends them',
      }
    case 'off':
      return {check, state: 'ok', detail: 'off: what is deleted is gone'}
  }
}

/** @param locked whether the bucket has Object Lock. */
export function checkObjectLock(locked: Asked<boolean>): Check {
  const check = 'object lock'
  if (!locked.known) return unchecked(check, locked.why)
  if (!locked.value) return {check, state: 'ok', detail: 'off'}
  return {
    check,
    state: 'warning',
    detail:
      'on: no version can be deleted before its retention ends, so merging, adopting and sweeping give nothing back, and rm and prune only hide',
    fix: 'Leave compact, rm and prune out here, or keep sessions in a bucket without Object Lock.',
  }
}
