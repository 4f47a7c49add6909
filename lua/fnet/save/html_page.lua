--- The page of an exported model: its markup, with the scripts and the style that belong to it. For html.lua.
-- Invariant: every text that is not written here goes through html.text or html.data.

local core = require "fnet.core"
local decimal = require "fnet.base.decimal"
local html = require "fnet.files.html"

local LEAD_PICTURE = "Draw with the mouse or a finger%s, and the bars say what the network takes it for."
local LEAD_NUMBERS = "Set the numbers%s, and see what the network makes of them."

local STEPPER = [[
<span class="steps" role="group" aria-label="%ss of the data set">
<button type="button" id="previous" aria-label="Previous %s">◀</button>
<span id="place"></span>
<button type="button" id="next" aria-label="Next %s">▶</button>
</span>
]]

local MISTAKE = '<button type="button" id="mistake">Next mistake</button>\n'

local PICTURE = [[
<h2 id="give" class="unseen">Your picture</h2>
<div class="frame">
<canvas id="pad" tabindex="0" role="application" aria-roledescription="drawing" aria-label="Place to draw"
 aria-describedby="keys"></canvas>
<p id="hint" aria-hidden="true">Draw here</p>
</div>
<div class="tools">
%s<button type="button" id="clear">New drawing</button>
</div>
<p id="message" role="status"></p>
]]

local PICTURE_TOOLS = [[
<div class="tools">
%s<label class="file">Open a picture <input type="file" id="file" class="unseen" accept="image/*"></label>
</div>
<div class="tools">
<label>Brush <input type="range" id="brush" min="0.3" max="%s" step="0.1" value="%s"></label>
%s</div>
<p class="note" id="keys">By keyboard: the arrows move the brush, the space bar lifts it and puts it down.</p>
]]

local SHADE = [[
<label>Shade <input type="range" id="shade" min="40" max="255" value="230"></label>
<label><input type="checkbox" id="centre" checked> Move to the middle</label>
]]

local COLOUR = '<label>Colour <input type="color" id="shade" value="#e0a030"></label>\n'

local SEEN = [[
<figure>
<canvas id="seen" role="img" aria-label="What the network sees"></canvas>
<figcaption>What the network sees: %d&nbsp;×&nbsp;%d points</figcaption>
</figure>
]]

local NUMBERS = [[
<h2 id="give">Your numbers</h2>
%s<form id="fields" autocomplete="off"></form>
<p id="message" role="status"></p>
]]

local BODY = [[
<main>
<h1>%s</h1>
<p class="lead">%s It computes on this page; nothing is sent anywhere.</p>
<noscript><p class="lead">The network is JavaScript: this page needs it switched on.</p></noscript>
<div class="work">
<section class="card give" aria-labelledby="give">
%s</section>
<section class="card" id="result" aria-labelledby="answer">
<h2 id="answer"></h2>
<p id="truth"></p>
<p id="spoken" class="unseen" role="status"></p>
<ol id="bars"></ol>
%s</section>
%s</div>
<details>
<summary>About this network</summary>
<div class="wide" tabindex="0" role="region" aria-label="Layers"><pre>%s</pre></div>
<p>%s</p>
<p class="note">Made by fnet %s, numerics %d. SHA-256 of the weights: <code>%s</code></p>
</details>
</main>
]]

-- What is said of the pictures that the network knows.
local function about_pictures(content)
  local picture = content.picture
  if picture.channels == 3 then
    return ("It sees coloured pictures of %d × %d points. A picture from a file is stretched to that size."):format(
      picture.height, picture.width)
  end
  return ("It sees grey pictures of %d × %d points, %s. A drawing is made as they are: moved to the middle, and as "
    .. "large as the things on them. A photo becomes grey, %s, its ground even."):format(picture.height,
    picture.width, content.light and "dark on a light ground" or "bright on a dark ground",
    content.light and "dark on light" or "bright on dark")
end

-- The card that holds the pad, what stands below the bars, and the card of tools.
local function picture_parts(content, stepper, mistake)
  local picture = content.picture
  local side = math.max(picture.height, picture.width)
  local tools = PICTURE_TOOLS:format(mistake, decimal.text("%.1f", side / 8), decimal.text("%.1f", side / 20),
    picture.channels == 3 and COLOUR or SHADE)
  return PICTURE:format(stepper), SEEN:format(picture.height, picture.width),
    ('<section class="card" aria-label="Tools">\n%s</section>\n'):format(tools)
end

-- The same of numbers, which need no tools.
local function number_parts(stepper, mistake)
  local tools = stepper ~= "" and ('<div class="tools">\n%s%s</div>\n'):format(stepper, mistake) or ""
  return NUMBERS:format(tools), "", ""
end

--- The page as HTML.
---@param title string
---@param content table what the page's scripts take, of html.lua and html_samples.lua
---@param about { summary: string, sha256: string } of the model
---@return string
return function(title, content, about)
  local samples, is_picture = content.samples, content.picture ~= nil
  local noun = is_picture and "picture" or "sample"
  local stepper = samples and STEPPER:format((noun:gsub("^%l", string.upper)), noun, noun) or ""
  local mistake = samples and samples.labels and MISTAKE or ""
  local also = samples and (", or look at the %ss of the data set"):format(noun) or ""
  local lead = (is_picture and LEAD_PICTURE or LEAD_NUMBERS):format(also)
  local input, seen, tools = number_parts(stepper, mistake)
  if is_picture then input, seen, tools = picture_parts(content, stepper, mistake) end
  local known = is_picture and about_pictures(content) or "It takes a row of numbers."
  local body = BODY:format(html.text(title), lead, input, seen, tools, html.text(about.summary, true), known,
    html.text(core.version), core.numerics, about.sha256)
  return html.page {
    title = title, style = require "fnet.save.html_style", body = body .. html.data("page", content),
    script = require "fnet.save.html_network" .. require "fnet.save.html_answer"
      .. require(is_picture and "fnet.save.html_drawing" or "fnet.save.html_fields"),
  }
end
