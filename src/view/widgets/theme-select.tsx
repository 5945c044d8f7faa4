import { For, type JSX } from 'solid-js';
import { THEME_CHOICES, useTheme } from '../theme.ts';

const THEME_TITLES = { system: 'System', light: 'Light', dark: 'Dark' } as const;

export function ThemeSelect(): JSX.Element {
  const theme = useTheme();
  return (
    <select
      class="theme-select"
      aria-label="Theme"
      value={theme.choice()}
      onChange={(event) => theme.choose(THEME_CHOICES.find((name) => name === event.currentTarget.value) ?? 'system')}
    >
      <For each={THEME_CHOICES}>{(choice) => <option value={choice}>{THEME_TITLES[choice]}</option>}</For>
    </select>
  );
}
