import { type Accessor, createContext, createEffect, createSignal, useContext } from 'solid-js';
import { colorsOf, type ThemeColors } from './colors.ts';

export const THEME_CHOICES = ['system', 'light', 'dark'] as const;
type ThemeChoice = (typeof THEME_CHOICES)[number];
type ThemeName = 'light' | 'dark';

export interface Theme {
  /** What the user asked for. */
  readonly choice: Accessor<ThemeChoice>;
  /** What is shown. */
  readonly name: Accessor<ThemeName>;
  /** Every colour that a canvas needs; changes with the theme. */
  readonly colors: Accessor<ThemeColors>;
  choose(choice: ThemeChoice): void;
}

const STORED = 'taskglass.theme';

/** What the address says, which somebody may have been given, and else what was chosen here before. */
function stored(): ThemeChoice {
  try {
    const value = new URLSearchParams(location.search).get('theme') ?? localStorage.getItem(STORED);
    return THEME_CHOICES.find((choice) => choice === value) ?? 'system';
  } catch {
    return 'system';
  }
}

/** The theme: the system's, or the user's own choice, which is kept. Sets `data-theme` and the functions' colours on the document. */
export function createTheme(): Theme {
  const media = matchMedia('(prefers-color-scheme: dark)');
  const [system, setSystem] = createSignal<ThemeName>(media.matches ? 'dark' : 'light');
  media.addEventListener('change', () => setSystem(media.matches ? 'dark' : 'light'));
  const [choice, setChoice] = createSignal<ThemeChoice>(stored());
  const name = (): ThemeName => {
    const chosen = choice();
    return chosen === 'system' ? system() : chosen;
  };
  const apply = (theme: ThemeName) => {
    const { dataset, style } = document.documentElement;
    dataset.theme = theme;
    for (const [i, color] of colorsOf(theme).functions.entries()) style.setProperty(`--fn-${i}`, color);
  };
  // At once, so that the first picture has colours; the effect follows changes.
  apply(name());
  createEffect(() => apply(name()));
  return {
    choice,
    name,
    colors: () => colorsOf(name()),
    choose(next) {
      try {
        localStorage.setItem(STORED, next);
      } catch {
        // Without storage the choice holds for this visit.
      }
      setChoice(next);
    },
  };
}

export const ThemeContext = createContext<Theme>();

export function useTheme(): Theme {
  const theme = useContext(ThemeContext);
  if (theme === undefined) throw new Error('useTheme() needs a ThemeContext.Provider above it');
  return theme;
}
