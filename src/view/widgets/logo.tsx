import type { JSX } from 'solid-js';

export function Logo(): JSX.Element {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="8.5" cy="8.5" r="6.8" fill="none" stroke="currentColor" stroke-width="1.8" />
      <path d="M13.6 13.6 18 18" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" />
      <rect x="4.5" y="5.4" width="5" height="2" rx=".6" fill="#c9a227" />
      <rect x="6.5" y="8" width="6" height="2" rx=".6" fill="#4269d0" />
      <rect x="5" y="10.6" width="4" height="2" rx=".6" fill="#3ca951" />
    </svg>
  );
}
