--- The frame of a page: the title, the search box, the list of all pages, the text.
-- Invariant: a page asks for files beside it and for nothing else. Its policy forbids the rest: code and styles in
-- the page itself, frames, forms, and every address. (A file has no origin, so `file:` stands beside 'self'.)

local PAGE = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="stylesheet" href="style.css">
<script src="index.js" defer></script>
<script src="search.js" defer></script>
</head>
<body>
<header>
<a href="#text" class="skip">To the text</a>
<a href="index.html" class="home">fnet</a>
<div role="search" hidden>
<label for="search-words" class="unseen">Search names and words</label>
<input id="search-words" type="search" maxlength="200" role="combobox" aria-expanded="false"
  aria-controls="search-found" aria-autocomplete="list" autocomplete="off" autocapitalize="off" spellcheck="false"
  aria-keyshortcuts="/" placeholder="Search: nn.Linear, overfitting">
<div id="search-found" role="listbox" aria-label="What was found" hidden></div>
<p id="search-said" class="unseen" aria-live="polite"></p>
<kbd aria-hidden="true">/</kbd>
</div>
</header>
<div class="columns">
<nav aria-label="All pages">
<details id="pages" open>
<summary>All pages</summary>
%s</details>
</nav>
<main id="text">
%s</main>
</div>
</body>
</html>
]]

local POLICY = "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file:; "
  .. "base-uri 'none'; form-action 'none'"

--- A page.
---@param title string
---@param html string the text
---@param navigation string the list of all pages
---@return string
return function(title, html, navigation)
  return PAGE:format(POLICY, title == "fnet" and title or title .. " - fnet", navigation, html)
end
