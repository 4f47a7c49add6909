--- What TensorBoard reads: checksums against those of RFC 3720, and the bytes of records.

local records = require "fnet.files.events"

describe("a record of events", function()
  it("has the checksum CRC-32C", function() -- RFC 3720, B.4, and the check value of the catalogue of CRCs
    assert.equal(0xe3069283, records.crc32c "123456789")
    assert.equal(0x8a9136aa, records.crc32c(("\0"):rep(32)))
    assert.equal(0x62a8ab43, records.crc32c(("\xff"):rep(32)))
    local ascending = {}
    for i = 0, 31 do ascending[i + 1] = string.char(i) end
    assert.equal(0x46dd794e, records.crc32c(table.concat(ascending)))
    assert.equal(0, records.crc32c "")
  end)

  it("has the checksum of texts that are longer than a piece", function()
    local text = ("0123456789abcdef"):rep(1000)
    local value = 0xffffffff
    for byte in text:gmatch "." do
      value = value ~ byte:byte()
      for _ = 1, 8 do value = value % 2 == 1 and (value >> 1) ~ 0x82f63b78 or value >> 1 end
    end
    assert.equal(value ~ 0xffffffff, records.crc32c(text))
  end)

  it("is a TFRecord of an Event", function()
    local text = records.version(0)
    assert.equal("\24\0\0\0\0\0\0\0", text:sub(1, 8)) -- its length
    -- as TensorFlow writes it: time, field 1, a double; file_version, field 3
    assert.equal("\9\0\0\0\0\0\0\0\0\26\13brain.Event:2", text:sub(13, -5))
    assert.equal(8 + 4 + 24 + 4, #text)
    -- time, step 7, summary 5 { value 1 { tag 1, simple_value 2 } }
    assert.equal("\9\0\0\0\0\0\0\240\63\16\7\42\10\10\8\10\1a\21\0\0\0\63",
      records.scalar(1, 7, "a", 0.5):sub(13, -5))
  end)
end)
