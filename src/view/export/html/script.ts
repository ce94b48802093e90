/**
 * The page's own script: search, folding, themes. It makes no element of any text, and the page can be read without it. Nothing in it
 * is put together from anything: the policy of the page names its hash.
 */
export const SCRIPT = `
'use strict';
(() => {
  const root = document.documentElement;
  const named = (id) => document.getElementById(id);
  const [tools, search, found, unfold, contents] = ['tools', 'search', 'found', 'unfold', 'contents'].map(named);
  const turns = [...document.querySelectorAll('.turn')];
  tools.hidden = false;
  if (matchMedia('(max-width: 74.99rem)').matches) contents.open = false;

  const kept = {
    get() { try { return localStorage.getItem('reprise-theme'); } catch { return null; } },
    set(theme) { try { localStorage.setItem('reprise-theme', theme); } catch {} },
  };
  if (kept.get() === 'dark' || kept.get() === 'light') root.dataset.theme = kept.get();
  named('theme').addEventListener('click', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    kept.set(root.dataset.theme);
  });

  const foldable = () => document.querySelectorAll('main details');
  const reveal = (node) => {
    for (let at = node; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
  };
  unfold.addEventListener('click', () => {
    const open = unfold.getAttribute('aria-pressed') !== 'true';
    unfold.setAttribute('aria-pressed', String(open));
    unfold.textContent = open ? 'Fold all' : 'Unfold all';
    for (const each of foldable()) each.open = open;
  });
  const follow = () => {
    const target = location.hash.length > 1 && named(location.hash.slice(1));
    if (!target) return;
    reveal(target);
    target.scrollIntoView();
  };
  addEventListener('hashchange', follow);
  follow();

  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...foldable()].filter((each) => !each.open);
    for (const each of closed) each.open = true;
  });
  addEventListener('afterprint', () => {
    for (const each of closed) each.open = false;
    closed = [];
  });

  const MOST = 5000;
  const texts = new Map();
  const textOf = (turn) => {
    if (!texts.has(turn)) texts.set(turn, turn.textContent.toLowerCase());
    return texts.get(turn);
  };
  let hits = [];
  let at = -1;
  const hitsIn = (turn, query) => {
    const walker = document.createTreeWalker(turn, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node && hits.length < MOST; node = walker.nextNode()) {
      const text = node.data.toLowerCase();
      if (text.length !== node.data.length) continue;
      for (let from = text.indexOf(query); from !== -1 && hits.length < MOST; from = text.indexOf(query, from + query.length)) {
        const range = new Range();
        range.setStart(node, from);
        range.setEnd(node, from + query.length);
        hits.push(range);
      }
    }
  };
  const tell = () => {
    const more = hits.length === MOST ? '+' : '';
    found.textContent = search.value === '' ? '' : at === -1 ? hits.length + more : (at + 1) + '/' + hits.length + more;
  };
  let looked = '';
  const look = () => {
    const query = search.value.toLowerCase();
    looked = query;
    hits = [];
    at = -1;
    for (const turn of turns) {
      const matches = query === '' || textOf(turn).includes(query);
      turn.hidden = !matches;
      if (matches && query !== '') hitsIn(turn, query);
    }
    if (CSS.highlights && window.Highlight) {
      CSS.highlights.delete('found');
      if (hits.length > 0) CSS.highlights.set('found', new Highlight(...hits));
    }
    tell();
  };
  const go = (step) => {
    if (hits.length === 0) return;
    at = at === -1 ? (step > 0 ? 0 : hits.length - 1) : (at + step + hits.length) % hits.length;
    const near = hits[at].startContainer.parentElement;
    reveal(near);
    near.scrollIntoView({block: 'center'});
    tell();
  };
  let waiting;
  search.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 150);
  });
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') {
      clearTimeout(waiting);
      if (search.value.toLowerCase() !== looked) look();
      go(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      search.value = '';
      look();
    }
  });
  named('next').addEventListener('click', () => go(1));
  named('before').addEventListener('click', () => go(-1));
  addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || document.activeElement === search) return;
    event.preventDefault();
    search.focus();
  });
})();
`
