// Draws one dashboard. Python sets window.drawing before this runs.
import { createTheme, locationUtil } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles, ThemeContext } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Board } from './board';
import type { Drawing } from './model';
import './page.css';

const drawing = (window as any).drawing as Drawing;
const theme = createTheme({ colors: { mode: drawing.mode } });
locationUtil.initialize({
  config: { appSubUrl: '' } as any,
  getVariablesUrlParams: () => ({}),
  getTimeRangeForUrl: () => ({ from: 'now-1h', to: 'now' }),
});
document.body.style.background = theme.colors.background.canvas;

/** Grafana's styles name its font. Text is measured before it is drawn, so the font must be there before the panels. */
function Page() {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 12px Inter`))).then((found) => {
      if (found.some((faces) => !faces.length)) {
        throw new Error('the font Inter is missing');
      }
      setReady(true);
    });
  }, []);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {ready ? <Board drawing={drawing} theme={theme} width={document.documentElement.clientWidth} /> : null}
    </ThemeContext.Provider>
  );
}

initPluginTranslations('draw').then(() => createRoot(document.getElementById('board')!).render(<Page />));
