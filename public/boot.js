// Runs before the first paint, so that the page never flashes in the other theme or language.
;(() => {
  let preferences = {}
  try {
    preferences = JSON.parse(localStorage.getItem('hopscope.preferences') ?? '{}')
  } catch {
    // Storage may be forbidden or hold something else: the system's preference decides.
  }
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const theme = preferences.theme === 'light' || preferences.theme === 'dark' ? preferences.theme : dark ? 'dark' : 'light'
  document.documentElement.dataset.theme = theme
  const zh = preferences.lang === 'zh' || (preferences.lang === undefined && navigator.language.startsWith('zh'))
  document.documentElement.lang = zh ? 'zh-CN' : 'en'
})()
