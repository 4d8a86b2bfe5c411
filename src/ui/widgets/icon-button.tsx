import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { Icon } from './icon.tsx'

interface IconButtonProps {
  readonly of: LucideIcon
  /** What it does: its name to readers, and its tooltip. */
  readonly label: string
  readonly onClick: () => void
  readonly size?: number
  readonly disabled?: boolean
  readonly pressed?: boolean
  /** Instead of a bare icon's. */
  readonly className?: string
  /** Beside the icon, where there is room for it. */
  readonly children?: ReactNode
}

/** A button with an icon for a face. */
export function IconButton({ of, label, onClick, size, disabled, pressed, className = 'icon-btn', children }: IconButtonProps) {
  return (
    <button
      type="button"
      className={className}
      disabled={disabled}
      aria-pressed={pressed}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon of={of} {...(size === undefined ? {} : { size })} />
      {children}
    </button>
  )
}
