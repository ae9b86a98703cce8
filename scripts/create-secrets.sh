#!/usr/bin/env bash
# Puts the four secrets of an environment into Secrets Manager. The cookie secret and the database password are
# generated; the OAuth 2.0 client's id and secret are asked on the terminal or read from files. A secret that has
# a value keeps it, so this can run again at any time. No value gets into arguments, history or output.
#
# Usage: scripts/create-secrets.sh [ENVIRONMENT] [options]
#
#   ENVIRONMENT             reads environments/ENVIRONMENT.yaml; not needed where there is only one
#   --client-id-file F      the OAuth 2.0 client's id; where F is -, a line of standard input
#   --client-secret-file F  its secret, likewise; if both are -, the id's line comes first
#   --replace NAME          a new value for oauth2-client-id, oauth2-client-secret, oauth2-cookie-secret or
#                           store-db-password; can be repeated
#   --dry-run               looks, and says what would be done

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

id_file='' secret_file='' client_id='' client_secret='' replace=' ' value=''

check_value() { # check_value <where it is from>
  value=${value%$'\r'}
  case $value in
    '') die "$1 is empty" ;;
    *[[:space:]]*) die "$1 holds more than one word: it must be the value alone" ;;
  esac
}

read_file() { # read_file <option> <file>
  if [ "$2" = - ]; then
    IFS= read -r value || true
  else
    [ -r "$2" ] || die "$1: there is no file $2, or it cannot be read"
    value=$(cat "$2")
  fi
  check_value "$1 $2"
}

client_value() { # client_value <what> <value from its file> [-s]
  value=$2
  [ -z "$value" ] || return 0
  [ -t 0 ] || die "there is no terminal to ask for the $1: give --client-id-file and --client-secret-file"
  IFS= read -r ${3:+"$3"} -p "$1: " value
  [ -z "${3:-}" ] || echo >&2
  check_value "the $1"
}

# oauth2-proxy decodes its key from the URL-safe alphabet, and RDS takes no "/" in a password.
random_value() { # random_value <bytes>
  value=$(head -c "$1" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_')
}

put() { # put <secret> <whether it was there>; the value comes on standard input
  case $2 in
    absent) ask secretsmanager create-secret --name "$1" --secret-string file:///dev/stdin ;;
    *) ask secretsmanager put-secret-value --secret-id "$1" --secret-string file:///dev/stdin ;;
  esac || die "$1: $answer"
}

provide() { # provide <name> <command that sets $value>...
  local name=$1 full=$secretsPrefix/$1 was did=created
  shift
  secret "$name" || die "$full: $answer"
  was=$answer
  case $was,$replace in
    deleted,*)
      die "$full is scheduled for deletion. Take it back first:" \
        "  aws secretsmanager restore-secret --region $region --secret-id $full"
      ;;
    present,*" $name "*) did=replaced ;;
    present,*) echo "exists    $full" && return ;;
  esac
  if [ -n "$dry_run" ]; then
    echo "would be $did  $full"
    return
  fi
  "$@"
  printf %s "$value" | put "$full" "$was"
  printf '%-8s  %s\n' "$did" "$full"
}

while [ $# -gt 0 ]; do
  case $1 in
    --client-id-file | --client-secret-file | --replace) [ $# -gt 1 ] || misuse "$1 needs a value" ;;
  esac
  case $1 in
    --client-id-file) id_file=$2 && shift ;;
    --client-secret-file) secret_file=$2 && shift ;;
    --replace)
      case $2 in
        oauth2-client-id | oauth2-client-secret | oauth2-cookie-secret | store-db-password) replace="$replace$2 " ;;
        *) misuse "--replace $2: oauth2-client-id, oauth2-client-secret, oauth2-cookie-secret or store-db-password" ;;
      esac
      shift
      ;;
    --dry-run) dry_run=yes ;;
    *) common_argument "$1" ;;
  esac
  shift
done
[ -z "$id_file" ] || { read_file --client-id-file "$id_file" && client_id=$value; }
[ -z "$secret_file" ] || { read_file --client-secret-file "$secret_file" && client_secret=$value; }

load_environment
account || die "$answer"
allowed_account "$answer" || die "the credentials are of account $answer, but $file allows $accountIds"
take_role "$assumeRole" || die "$answer"
provide oauth2-client-id client_value "OAuth 2.0 client's id" "$client_id"
provide oauth2-client-secret client_value "OAuth 2.0 client's secret" "$client_secret" -s
provide oauth2-cookie-secret random_value 32
provide store-db-password random_value 24
[ "$replace" = ' ' ] || echo "Running tasks have the old values until new ones are started"
case $replace in
  *' store-db-password '*) echo "The database gets its password with the next backendStore.passwordVersion: see scripts/rotate-database-password.sh" ;;
esac
