// The search box of the pages. What it knows is `knowledge` in index.js, which site_index.lua makes of that which
// `fnet --help --search` knows; `find` is lua/fnet/command/search.lua once more: tests/house/site_spec.lua compares
// what both find. Below it what only the pages have: terms and names of other libraries that are not written to
// their end, and the chapters; then the box itself, a combobox as the ARIA authoring practices describe it.
"use strict"

// A table has its own names and no others, such as "constructor".
for (const table of [knowledge.pages, knowledge.elsewhere, knowledge.synonyms, knowledge.topics]) {
  Object.setPrototypeOf(table, null)
}

const families = knowledge.families.map(text => new RegExp(text))
const small = text => text.replace(/[A-Z]/g, letter => letter.toLowerCase())
const bare = name => small(name).replace(/[_\-\s]/g, "")
const words = text => text.split(" ").filter(word => word)

const wordsOf = text => " " + small(text.replace(/([a-z])([A-Z][a-z])/g, "$1 $2")).replace(/z/g, "s")
  .replace(/[^a-z0-9\u0080-\uffff]+/g, " ") + " "

function stemOf(word) {
  for (const family of families) {
    const found = family.exec(word)
    if (found) return /([a-z])\1$/.test(found[1]) && !/[ls]$/.test(found[1]) ? found[1].slice(0, -1) : found[1]
  }
  return word
}

function met(wanted, part) {
  if (part.words.includes(" " + wanted.word + " ")) return 2
  if (wanted.stem.length > 2 && part.words.includes(" " + wanted.stem)) return 1
  return part.in_name && words(part.words).some(word => word.length > 3 && wanted.word.startsWith(word)) ? 1 : 0
}

function rank(parts, wanted, phrase) {
  let count = 0, score = 0
  for (const word of wanted) {
    const best = Math.max(...parts.map(part => part.weight * met(word, part)))
    if (best > 0) count++
    score += best
  }
  const whole = wanted.length > 1 && parts.find(part => part.words.includes(phrase))
  return [count, score + (whole ? 8 + whole.weight : 0) - words(parts[0].words).length]
}

const wantedOf = text => words(wordsOf(text)).filter(word => !knowledge.meaningless.includes(" " + word + " "))
  .map(word => ({ word, stem: stemOf(word) }))

function matches(text) {
  const wanted = wantedOf(text), phrase = " " + wanted.map(one => one.word + " ").join("")
  let found = [], most = 1
  for (const [name, parts] of Object.entries(knowledge.topics)) {
    const [count, score] = rank(parts, wanted, phrase)
    if (count > most) [found, most] = [[], count]
    if (count === most) found.push({ name, score })
  }
  return found.sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
}

// Letters that are added, dropped, changed or swapped between two words (naming.lua).
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, k) => k)]
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let k = 1; k <= b.length; k++) {
      const changed = rows[i - 1][k - 1] + (a[i - 1] !== b[k - 1])
      const swapped = i > 1 && k > 1 && a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1]
      rows[i][k] = Math.min(rows[i - 1][k] + 1, rows[i][k - 1] + 1, changed, swapped ? rows[i - 2][k - 2] + 1 : changed)
    }
  }
  return rows[a.length][b.length]
}

// The names whose last part is spelt most like a word that nothing has.
function nearest(word) {
  if (word.length < 5 || word.length > 64 || /[^ -~]/.test(word)) return []
  const names = Object.keys(knowledge.topics).sort(), last = name => bare(name.match(/[^.]+$/)[0])
  let near = null, least = Math.floor(word.length / 3) + 1
  for (const name of names) {
    const far = distance(bare(word), last(name))
    if (far < least && far < name.match(/[^.]+$/)[0].length) [near, least] = [last(name), far]
  }
  return names.filter(name => last(name) === near)
}

// The names of topics that a text stands for, and what there is instead of names that fnet has not.
function find(text) {
  const name = text.match(/[^.]*$/)[0], names = new Set(), notes = []
  const known = (knowledge.elsewhere[bare(name)] || []).slice()
    .sort((a, b) => (b.theirs === name) - (a.theirs === name))
  for (const { theirs, ours } of known) {
    if (knowledge.pages[ours]) names.add(ours); else notes.push(theirs + ": " + ours)
  }
  const add = (text, least) => matches(text).forEach(found => found.score >= least && names.add(found.name))
  const synonyms = words(knowledge.synonyms[bare(name)] || "")
  synonyms.forEach(word => add(word, knowledge.in_name))
  if (known.length === 0 && /^[A-Za-z0-9_]+\.[A-Za-z0-9_.]+$/.test(text)) {
    const first = matches(text)[0], isMet = first && bare(first.name.match(/[^.]+$/)[0]) === bare(name)
    if (!isMet) add(name, knowledge.in_name)
  }
  add(text, known.length > 0 ? knowledge.in_name : 0)
  synonyms.forEach(word => add(word, 0))
  const slips = names.size === 0 && notes.length === 0 ? nearest(name) : []
  return { names: [...names, ...slips].slice(0, knowledge.most), notes, isSlip: slips.length > 0 }
}

// What the box shows for a text: { title, code, note, text, address }, the likeliest first.
function results(text) {
  if (!/[a-z0-9]/i.test(text)) return []
  text = text.trim()
  const { names, notes, isSlip } = find(text), key = bare(text), last = bare(text.match(/[^.]*$/)[0])
  const terms = knowledge.terms.filter(term => key.length > 2 && term.forms.some(form => form.startsWith(key)))
  const theirs = Object.keys(knowledge.elsewhere).filter(name => last.length > 2 && name.startsWith(last))
    .sort((a, b) => a.length - b.length).flatMap(name => knowledge.elsewhere[name])
    .filter(entry => knowledge.pages[entry.ours])
  const begun = theirs.map(entry => entry.ours).slice(0, 4)
  const found = [...new Set(knowledge.elsewhere[last] ? [...names, ...begun] : [...begun, ...names])].map(name => {
    const entry = theirs.find(entry => entry.ours === name)
    return { ...knowledge.pages[name], code: true, note: entry ? entry.theirs + " elsewhere" : "" }
  })
  const wanted = wantedOf(text), has = words => wanted.length > 0 && wanted.every(word => met(word, { words }))
  const headed = knowledge.parts.filter(part => has(wordsOf(part.title)))
  const parts = [...headed, ...knowledge.parts.filter(part => has(wordsOf(part.title) + part.words))]
  const isKnown = terms.length + parts.length + begun.length > 0 // then it is no slip
  return [...terms, ...notes.map(text => ({ text, address: "reference.html" })), ...isSlip && isKnown ? [] : found,
    ...[...new Set(parts)].slice(0, 8)]
}

function box(input, list, said) {
  let shown = [], chosen = -1
  const make = (kind, fields) => Object.assign(document.createElement(kind), fields)
  const choose = index => {
    chosen = index
    shown.forEach((option, i) => option.setAttribute("aria-selected", i === chosen))
    input.toggleAttribute("aria-activedescendant", chosen >= 0)
    if (chosen < 0) return
    input.setAttribute("aria-activedescendant", shown[chosen].id)
    shown[chosen].scrollIntoView({ block: "nearest" })
  }
  const show = open => {
    list.hidden = !open
    input.setAttribute("aria-expanded", open)
  }
  const look = () => {
    const found = results(input.value), asked = input.value.trim() !== ""
    shown = found.map(({ title, code, note, text, address }, i) => {
      const option = make("a", { id: "found-" + i, href: address, tabIndex: -1 })
      option.setAttribute("role", "option")
      if (title) option.append(make(code ? "code" : "b", { textContent: title }), " ")
      if (note) option.append(make("i", { textContent: note }))
      if (text) option.append(make("span", { textContent: text }))
      option.addEventListener("click", () => show(false))
      return option
    })
    list.replaceChildren(...shown)
    said.textContent = !asked ? "" : found.length === 0 ? "Nothing is said of this." : found.length + " found"
    show(found.length > 0)
    choose(-1)
  }
  for (const kind of ["input", "focus"]) input.addEventListener(kind, look)
  input.addEventListener("blur", () => show(false))
  list.addEventListener("mousedown", event => event.preventDefault()) // the focus stays in the box
  input.addEventListener("keydown", event => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], from = chosen < 0 && step < 0 ? 0 : chosen
    if (step && shown.length > 0) show(true), choose((from + step + shown.length) % shown.length)
    else if (event.key === "Enter" && !list.hidden) shown[Math.max(chosen, 0)].click()
    else if (event.key === "Escape" && !list.hidden) show(false)
    else return
    event.preventDefault()
  })
  document.addEventListener("keydown", event => {
    const writes = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)
    if (event.key !== "/" || writes || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    input.select()
  })
  input.parentElement.hidden = false
}

const element = id => document.getElementById(id)
box(element("search-words"), element("search-found"), element("search-said"))

// The list of all pages is open where there is room beside the text.
const wide = matchMedia("(min-width: 56rem)"), fold = () => { element("pages").open = wide.matches }
wide.addEventListener("change", fold)
fold()
