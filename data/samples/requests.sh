#!/bin/bash
# Ticket 4711: what we tried by hand on Monday, 9 March 2026. Above each command stands what came back.
# (Simulated: real curl against the sandbox of sinchtools, host put in afterwards. Token, account and numbers are nobody's.)

TOKEN=5e1f0a9b8c7d46e2a3b4c5d6e7f80912

# 201
curl -X POST 'https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches' \
  -H 'Authorization: Bearer 5e1f0a9b8c7d46e2a3b4c5d6e7f80912' \
  -H 'Content-Type: application/json' \
  -d '{"from": "447700900999", "to": ["+447700900123"], "body": "Your parcel is at the door."}'

# 200
curl -s "https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches?page=0&page_size=2" -H "Authorization: Bearer $TOKEN"

# 400 syntax_invalid_parameter_format
curl https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d "{\"from\": \"447700900999\", \"to\": [\"07700900123\"], \"body\": \"Your parcel is at the door.\"}"

# 400 syntax_invalid_json
curl https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' --data-binary @- <<'EOF'
{
  "from": "447700900999",
  "to": ["+447700900123", "+447700900124"],
  "body": "Your parcel is at the door.",
}
EOF

# 400 syntax_constraint_violation
curl --request POST --url https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches --header "Authorization: Bearer $TOKEN" --json '{"from": "447700900999", "body": "Hello"}'

# 400 syntax_constraint_violation
curl https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d $'{"from": "447700900999", "to": ["+447700900125"], "body": "It\'s here", "expire_at": "2026-03-08T18:00:00Z"}'

# 401
curl https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches -H Authorization:\ Bearer\ 77aa0b1c2d3e4f5061728394a5b6c7d8 -H Content-Type:\ application/json \
  --data '{"from":"447700900999","to":["+447700900126"],"body":"Hello"}'

# 415
curl https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches -H "Authorization: Bearer $TOKEN" -d '{"from": "447700900999", "to": ["+447700900127"], "body": "Hello"}'

# 403 unknown_group
curl https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  --data-raw '{"from": "447700900999", "to": ["01FC66621VHDBN119Z8PMV1QPU"], "body": "To all of the group"}'

# 403 missing_callback_url
curl https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  --data-raw '{"from": "447700900999", "to": ["+447700900128"], "body": "Hello", "delivery_report": "full"}'

# 404
curl -H "Authorization: Bearer $TOKEN" https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/batches/01FC66621VHDBN119Z8PMV1QPU/delivery_report?type=full

# 405
curl -XDELETE -H "Authorization: Bearer $TOKEN" https://eu.sms.api.sinch.com/xms/v1/a94b7c60e5d243f18c0b9e7d6a5f4312/inbounds/01FC66621VHDBN119Z8PMV1QPU
