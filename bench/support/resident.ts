import { readFileSync } from 'node:fs';

/** Resident memory of a process at its highest so far, bytes; NaN where the system does not say. */
export function residentAtMost(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  } catch {
    return Number.NaN;
  }
}
