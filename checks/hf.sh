#!/usr/bin/env bash
# ---
# id: hf
# question: "Are token, cache and offline mode of the Hugging Face libraries consistent?"
# ok: "token {hf_token}, cache {hf_cache}"
# scope: both
# level: run
# gate: true
# shell: shared
# seconds: 5
# rules:
#   - fact: hf_token
#     op: eq
#     limit: malformed
#     severity: warning
#     message: "what stands in {hf_token_from} has not the shape of a Hugging Face token"
#     fix: "huggingface-cli login"
#   - fact: hf_cache
#     op: in
#     limit: "missing empty"
#     when: { hf_offline: "yes" }
#     severity: warning
#     message: "offline, and {hf_home} holds nothing: a name on the hub will not be found"
#     fix: "export HF_HOME=DIR   # the cache that was filled while online"
# ---

# The settings of the Hugging Face libraries, as the job has them. The token itself is never printed.
hf() {
  local home=${HF_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/huggingface} token='' from=none state=missing offline=no file
  case ${HF_HUB_OFFLINE:-0}${TRANSFORMERS_OFFLINE:-0} in *1* | *[Tt]rue* | *TRUE* | *[Yy]es* | *[Oo]n*) offline=yes ;; esac
  file=${HF_TOKEN_PATH:-$home/token}
  if [[ -n ${HF_TOKEN:-${HUGGING_FACE_HUB_TOKEN:-}} ]]; then
    token=${HF_TOKEN:-$HUGGING_FACE_HUB_TOKEN} from=variable
  elif [[ -r $file ]]; then
    read -r token <"$file" || true
    from="file"
  fi
  if [[ -n $token ]]; then
    state=malformed
    [[ $token =~ ^hf_[A-Za-z0-9]{16,}$ || $token =~ ^api_org_[A-Za-z0-9]{16,}$ ]] && state=present
  fi
  printf '%s\n' "hf_offline=$offline" "hf_token=$state" "hf_token_from=$from" "hf_home=$home"
  # Offline, what is not in the cache does not exist.
  if [[ -d $home/hub || -d $home/datasets ]]; then echo hf_cache=present; elif [[ -d $home ]]; then echo hf_cache=empty; else echo hf_cache=missing; fi
}
hf
