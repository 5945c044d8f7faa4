import { PALETTE_DARK, PALETTE_LIGHT, PALETTE_SIZE, paletteIndex, RESERVED_COLORS } from '../model/palette.ts';
import {
  CATEGORY_DESERIALIZE,
  CATEGORY_DISK,
  CATEGORY_ERRED,
  CATEGORY_FUNCTION,
  CATEGORY_LOST,
  CATEGORY_TRANSFER,
} from '../model/task-state.ts';

/** What a canvas draws with. The same values stand in theme.css, where a test compares them. */
export interface ThemeColors {
  readonly name: 'light' | 'dark';
  /** The palette, by palette index. */
  readonly functions: readonly string[];
  readonly panel: string;
  readonly background: string;
  readonly ink: string;
  readonly dim: string;
  readonly faint: string;
  readonly line: string;
  readonly grid: string;
  readonly accent: string;
  readonly erred: string;
  /** Outline of what is black, where the panel is nearly black too. */
  readonly erredLine: string;
  readonly transfer: string;
  readonly disk: string;
  readonly deserialize: string;
  readonly lost: string;
}

const LIGHT: ThemeColors = {
  name: 'light',
  functions: PALETTE_LIGHT,
  panel: '#ffffff',
  background: '#f7f7f5',
  ink: '#1d1f23',
  dim: '#5a5e66',
  faint: '#6b6f77',
  line: '#e2e2dd',
  grid: '#ecece8',
  accent: '#2f5fd0',
  erredLine: '#000000',
  ...RESERVED_COLORS,
};
const DARK: ThemeColors = {
  name: 'dark',
  functions: PALETTE_DARK,
  panel: '#16191f',
  background: '#101216',
  ink: '#e7e9ee',
  dim: '#a3a9b4',
  faint: '#8d939f',
  line: '#2a2f39',
  grid: '#222730',
  accent: '#7aa2ff',
  erredLine: '#e7e9ee',
  ...RESERVED_COLORS,
};

export function colorsOf(theme: 'light' | 'dark'): ThemeColors {
  return theme === 'dark' ? DARK : LIGHT;
}

/** Class that gives an element its function's colour as `--fn`. */
export function functionClass(fn: number): string {
  return `fn-${paletteIndex(fn)}`;
}

/** The colour of a category of model/task-state.ts. */
export function categoryColor(colors: ThemeColors, category: number): string {
  switch (category) {
    case CATEGORY_ERRED:
      return colors.erred;
    case CATEGORY_TRANSFER:
      return colors.transfer;
    case CATEGORY_DISK:
      return colors.disk;
    case CATEGORY_DESERIALIZE:
      return colors.deserialize;
    case CATEGORY_LOST:
      return colors.lost;
    default:
      return colors.functions[paletteIndex(category - CATEGORY_FUNCTION) % PALETTE_SIZE]!;
  }
}
